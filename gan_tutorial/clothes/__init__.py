"""FashionMNIST: the images and their stand-in, a classifier and the scores it gives, recipes and recorded trainings."""

"""A trained generator that plays on a plain page: sliders through its latents, a walk, and a guess: real or made?

`stored`: its file, weights of 16 bits and what they are; `make generator` trains it and writes the file.
`generator.js`: the same network without torch.  `quiz.js`: the guess and its count.  `gallery.js`, `gallery.css`: what
the browser shows.  `page`: all of it as one file.
"""

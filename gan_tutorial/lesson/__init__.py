"""What a notebook shows and asks: figures, pictures that follow sliders, the laboratory, exercises, facts, profiles."""

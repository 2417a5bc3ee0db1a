"""Safety policies: the built-in ones, one file each, and the engine that asks them all."""

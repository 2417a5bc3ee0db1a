"""What a training's log says about its progress."""

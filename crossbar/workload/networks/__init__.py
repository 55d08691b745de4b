"""Published networks, layer by layer, named as their usual PyTorch implementations name them."""

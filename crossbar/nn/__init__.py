"""PyTorch models: captured, mapped and run through crossbars."""

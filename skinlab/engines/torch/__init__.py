"""The torch engine: PyTorch under lightning-fabric, on CPUs, GPUs and several of them."""

"""Fine-tuning a pretrained network with few labels (Yosinski et al. 2014)."""

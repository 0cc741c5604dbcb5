"""What we infer: arrays in, one frozen result with uncertainties out."""

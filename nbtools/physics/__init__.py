"""What a physicist would look up without knowing the instrument: numbers in, arrays out; numpy and scipy only."""

"""What nature does: numbers in, arrays out; numpy and scipy only."""

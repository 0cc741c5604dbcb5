"""What several techniques say together: estimators over the results of the rooms (notebook 07)."""

"""What an instrument would record: a model plus noise and artefacts, in the instrument's own file format."""

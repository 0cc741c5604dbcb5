"""The characteristic lines of the anodes of powder diffractometers."""

# Kα1 and Kα2, m (Hölzer et al., Phys. Rev. A 56, 4554 (1997); Mo and Ag: Deslattes et al., Rev. Mod. Phys. 75, 35
# (2003)).
K_ALPHA = {
    "Cu": (1.540593e-10, 1.544427e-10),
    "Co": (1.788996e-10, 1.792835e-10),
    "Fe": (1.936041e-10, 1.939973e-10),
    "Cr": (2.289726e-10, 2.293651e-10),
    "Mo": (0.709317e-10, 0.713607e-10),
    "Ag": (0.559422e-10, 0.563813e-10),
}

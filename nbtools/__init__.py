"""Notebook toolkit for a superconducting MgO/MgB2 nanocomposite.

The folder says what is measured, the file says what a line does.

``transport`` ``structure`` ``stem`` ``magneto_optics`` ``ac_susceptibility`` ``cathodoluminescence``
    one room a technique, with models, estimators, ``study`` (a sample in, a result out), ``draw``, ``explore``,
    ``statements``, ``lesson`` and ``twin``
``physics``     what a physicist would look up without knowing the instrument
``statistics``  noise, crossings, lines, nulls, intervals; the check of input arrays
``files``       instrument files as labelled arrays in SI, and back; the registry of readers; sample cards
``display`` ``fitting`` ``explore`` ``volume``  figures, `FitWidget`, sliders over any function, napari
``paper`` ``joint`` ``lessons``  the statements and their verdicts, several techniques together, the classroom
``notebook``    open a sample, its ledger and its exports

Beside them: ``units`` (the only conversions, and the number that carries its error), ``study`` and ``results`` (what a
study gives, and where it is kept), ``manifest`` (verified data and twins), ``cache`` (compute once), ``paths`` (every
folder and variable), ``runner``, ``report``, ``sample_report`` and ``own_sample`` (all notebooks headless; a page on
one's own sample). ``python -m nbtools`` is the command line.
"""

__version__ = "0.1.0"

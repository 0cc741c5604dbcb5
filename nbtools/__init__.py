"""Notebook toolkit for a superconducting MgO/MgB2 nanocomposite.

The layers, from nature to the reader's eye; each folder says what a line in it may import:

``models``    what nature does: numbers in, arrays out
``twin``      what an instrument would record: a model plus noise, in the instrument's own file format
``io``        where files become labelled arrays, and nothing else
``analysis``  what we infer: arrays in, one frozen result with uncertainties out
``viewers``   draw, no controls
``fitting``   a model on curves, by hand and by lmfit: ``FitWidget``
``widgets``   state and controls: call analysis and viewers

Beside them: ``units`` (the only conversions, and the number that carries its error), ``whole_file`` (nothing
half-written), ``results`` (what a
notebook found), ``paper`` (what the paper says and what follows; ``claims`` is the face of it that older notebooks
call), ``paths`` (every folder and variable),
``manifest`` (verified data), ``cache`` (compute once). On top of all: ``workbench`` (one notebook at work),
``runner`` and ``report`` (all of them, headless), ``python -m nbtools``.
"""

__version__ = "0.1.0"

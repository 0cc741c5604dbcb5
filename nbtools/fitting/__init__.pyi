from .state import FitError as FitError
from .state import StateError as StateError
from .widget import FitWidget as FitWidget

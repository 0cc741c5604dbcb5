from .explorer import VolumeExplorer as VolumeExplorer
from .explorer import explore_volume as explore_volume
from .interface import draw_interface as draw_interface
from .interface import interface_layers as interface_layers
from .view import VolumeView as VolumeView
from .view import draw_volume as draw_volume

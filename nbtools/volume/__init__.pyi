from .explorer import VolumeExplorer as VolumeExplorer
from .view import VolumeView as VolumeView
from .view import draw_volume as draw_volume

from .explorer import VolumeExplorer as VolumeExplorer
from .explorer import explore_volume as explore_volume
from .view import VolumeView as VolumeView
from .view import draw_volume as draw_volume

"""The original's place for these names, which some applications import; what they are is elsewhere."""

from stopper.compat.flask_jwt_extended.json_encoding import JSONEncoder, get_json_encoder
from stopper.compat.flask_jwt_extended.jwt_manager import get_jwt_manager

__all__ = ["JSONEncoder", "get_json_encoder", "get_jwt_manager"]

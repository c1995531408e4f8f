"""What the frame keeps on an application and a request, by typed key."""

import asyncio

from aiohttp import web

from services.common.config import Settings
from services.common.health import Health

SETTINGS: web.AppKey[Settings] = web.AppKey("settings", Settings)
HEALTH: web.AppKey[Health] = web.AppKey("health", Health)
DEADLINE: web.RequestKey[asyncio.Timeout] = web.RequestKey("deadline", asyncio.Timeout)
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)

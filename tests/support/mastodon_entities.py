"""What Mastodon answers with, as its OpenAPI description and version 4.6.4 have it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


ACCOUNT = "117020565966271181"
TYPES = [
    *("image/jpeg", "image/png", "image/gif", "image/heic", "image/webp", "image/avif"),
    *("video/webm", "video/mp4", "video/quicktime"),
    *("audio/ogg", "audio/mpeg", "audio/mp4", "audio/flac", "audio/wav"),
]


def instant(moment: datetime, digits: int = 3) -> str:
    """Return an instant as Mastodon writes it, to the millisecond or, with 6 digits, the microsecond."""
    spec = {3: "milliseconds", 6: "microseconds"}[digits]
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")


def account(server: str) -> dict[str, Any]:
    """Return the account as everybody sees it."""
    picture = f"{server}/avatars/original/missing.png"
    return {
        **dict.fromkeys(("avatar", "avatar_static", "header", "header_static"), picture),
        **dict.fromkeys(("followers_count", "following_count", "statuses_count"), 0),
        **dict.fromkeys(("bot", "group", "indexable", "locked"), False),
        "id": ACCOUNT,
        "username": "alice",
        "acct": "alice",
        "display_name": "Alice",
        "created_at": "2026-01-01T00:00:00.000Z",
        "emojis": [],
        "fields": [],
        "note": "",
        "uri": f"{server}/users/alice",
        "url": f"{server}/@alice",
    }


def credential_account(server: str) -> dict[str, Any]:
    """Return the account as its owner sees it."""
    source = {
        "fields": [],
        "follow_requests_count": 0,
        "language": "en",
        "note": "",
        "privacy": "public",
        "sensitive": False,
        "quote_policy": "public",
        "attribution_domains": [],
        "discoverable": True,
        "hide_collections": None,
        "indexable": False,
    }
    role = {"id": "-99", "name": "", "color": "", "permissions": "65536", "highlighted": False}
    return {**account(server), "source": source, "role": role}


def application(name: str, scopes: list[str]) -> dict[str, Any]:
    """Return the application that a token belongs to."""
    return {
        "id": "7",
        "name": name,
        "website": None,
        "scopes": scopes,
        "redirect_uri": "urn:ietf:wg:oauth:2.0:oob",
        "redirect_uris": ["https://postbell.example/"],
        "vapid_key": "",
    }


def poll(number: str, asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return the poll that was asked for."""
    return {
        "id": number,
        "expires_at": instant(now + timedelta(seconds=asked["expires_in"])),
        "expired": False,
        "multiple": asked.get("multiple", False),
        "votes_count": 0,
        "options": [
            {"title": title, "votes_count": None if asked.get("hide_totals") else 0}
            for title in asked["options"]
        ],
        "emojis": [],
    }


def fresh_status(number: str, text: str, visibility: str, server: str, now: datetime) -> dict[str, Any]:
    """Return a status with nothing but a text."""
    return {
        **dict.fromkeys(("replies_count", "reblogs_count", "favourites_count", "quotes_count"), 0),
        **{name: [] for name in ("media_attachments", "mentions", "tags", "emojis")},
        **dict.fromkeys(
            ("in_reply_to_id", "in_reply_to_account_id", "edited_at", "reblog", "card", "poll", "quote")
        ),
        "id": number,
        "created_at": instant(now, 3),
        "visibility": visibility,
        "uri": f"{server}/users/alice/statuses/{number}",
        "url": f"{server}/@alice/{number}",
        "content": f"<p>{text}</p>",
        "account": account(server),
        "spoiler_text": "",
        "sensitive": False,
    }


def changed(status: Mapping[str, Any], asked: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return what of a status is another than before, its files by their attributes in place."""
    files = {each["id"]: each for each in status["media_attachments"]}
    for attributes in asked.get("media_attributes", []):
        file = files[attributes["id"]]
        file["description"] = attributes.get("description", file["description"])
        if "focus" in attributes:
            x, y = map(float, attributes["focus"].split(","))
            file["meta"] = {"focus": {"x": x, "y": y}}
    voted = asked.get("poll") if status["poll"] else None
    return {
        "content": f"<p>{asked['status']}</p>",
        "spoiler_text": asked.get("spoiler_text", ""),
        "sensitive": asked.get("sensitive", False) or bool(asked.get("spoiler_text")),
        "language": asked.get("language", status["language"]),
        "media_attachments": [files[each] for each in asked.get("media_ids", [])],
        "edited_at": instant(now, 3),
        "poll": poll(status["poll"]["id"], voted, now) if voted else None,
    }


def configuration(most: int, answers: int, link: int = 23) -> dict[str, Any]:
    """Return what a server takes."""
    return {
        "urls": {"streaming": "wss://mastodon.example"},
        "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {"max_characters": most, "max_media_attachments": 4, "characters_reserved_per_url": link},
        "media_attachments": {
            "supported_mime_types": TYPES,
            "image_size_limit": 16_777_216,
            "image_matrix_limit": 33_177_600,
            "video_size_limit": 103_809_024,
            "video_frame_rate_limit": 120,
            "video_matrix_limit": 8_294_400,
            "description_limit": 1500,
        },
        "polls": {
            "max_options": answers,
            "max_characters_per_option": 50,
            "min_expiration": 300,
            "max_expiration": 2_629_746,
        },
        "translation": {"enabled": False},
    }


def instance(host: str, version: str, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a server says of itself, version 2."""
    return {
        "domain": host,
        "title": "Example",
        "version": version,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": "",
        "usage": {"users": {"active_month": 1}},
        "thumbnail": {"url": f"https://{host}/preview.png"},
        "icon": [],
        "languages": ["en"],
        "configuration": taken,
        "registrations": {"enabled": False, "approval_required": False},
        "api_versions": {"mastodon": 11},
        "contact": {"email": f"alice@{host}", "account": None},
        "rules": [],
    }


def old_instance(host: str, version: str, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a server says of itself, version 1."""
    return {
        "uri": host,
        "title": "Example",
        "short_description": "",
        "description": "",
        "email": f"alice@{host}",
        "version": version,
        "urls": {"streaming_api": f"wss://{host}"},
        "stats": {"user_count": 1, "status_count": 1, "domain_count": 1},
        "languages": ["en"],
        "registrations": False,
        "approval_required": False,
        "invites_enabled": False,
        "configuration": taken,
        "rules": [],
    }

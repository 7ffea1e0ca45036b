"""What only the HTTP door can answer."""

from __future__ import annotations

from avatar_appliance.errors import AvatarError, BadRequest


class HostNotAllowed(AvatarError):
    """The Host header names a machine we are not: a wrong address, or a web page that rebinds its name to us."""

    code = "host-not-allowed"
    default_hint = "Use the machine's IP address, or list the name you use under the allowed hosts."
    http_status = 421


class TooManyAttempts(AvatarError):
    """This address sent too many wrong tokens."""

    code = "too-many-attempts"
    default_hint = "Wait as long as Retry-After says, then try with the right token."
    http_status = 429
    retryable = True


class NotFromThePanel(AvatarError):
    """A browser sent its cookie along with something that another page than ours made it send."""

    code = "not-from-the-panel"
    default_hint = "Programs send the token in the Authorization header, where no page can put it."
    http_status = 403


class RequestTooLarge(BadRequest):
    """The body of the request is beyond the limit."""

    code = "request-too-large"
    default_hint = "Send less; only recordings may be large, and their bound is `voices.max_upload`."
    http_status = 413


class MethodNotAllowed(BadRequest):
    """The path exists, the method does not."""

    code = "method-not-allowed"
    default_hint = "/api/openapi.json lists paths and their methods."
    http_status = 405


class RangeNotSatisfiable(BadRequest):
    """The byte range asked for lies outside of the recording."""

    code = "range-not-satisfiable"
    default_hint = "Content-Range says how long the recording is."
    http_status = 416


class ConfirmationNeeded(BadRequest):
    """Something would be deleted for good and the request does not say that this is meant."""

    code = "confirmation-needed"
    default_hint = "Repeat the request with `confirm=yes`; nothing brings the turns back."
    http_status = 409

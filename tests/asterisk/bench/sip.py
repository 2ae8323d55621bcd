"""SIP messages as the phones of the bench need them: parse, build, digest. No sockets, no state."""
import hashlib
import re
import secrets

COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length",
           "c": "content-type", "e": "content-encoding", "s": "subject", "o": "event", "r": "refer-to"}


class Message:
    """One request or response. Header names are kept in lower case, in order, repeats allowed."""

    def __init__(self, start, headers=None, body=""):
        self.start = start
        self.headers = headers or []
        self.body = body

    @classmethod
    def parse(cls, data):
        head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        headers = []
        for line in lines:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            headers.append((COMPACT.get(name, name), value.strip()))
        return cls(start, headers, body)

    def encode(self):
        """The bytes. Those of a name that is not UTF-8 are in it as surrogate escapes."""
        lines = [self.start] + [f"{name.title()}: {value}" for name, value in self.headers]
        body = self.body.encode()
        lines.append(f"Content-Length: {len(body)}")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body

    def get(self, name, default=""):
        return next((value for key, value in self.headers if key == name), default)

    def all(self, name):
        return [value for key, value in self.headers if key == name]

    @property
    def is_response(self):
        return self.start.startswith("SIP/2.0 ")

    @property
    def status(self):
        return int(self.start.split()[1])

    @property
    def method(self):
        """Of a request its method, of a response the method it answers."""
        return self.get("cseq").split()[-1] if self.is_response else self.start.split()[0]

    @property
    def branch(self):
        return parameter(self.get("via"), "branch")

    @property
    def cseq(self):
        return int(self.get("cseq").split()[0])


def parameter(value, name):
    """The value of ;name=... in a header, or an empty string."""
    match = re.search(rf";\s*{name}=([^;>\s,]+)", value)
    return match[1] if match else ""


def uri_of(value):
    """The URI of a name-addr such as `"Bob" <sip:bob@host>;tag=1`."""
    match = re.search(r"<([^>]+)>", value)
    return match[1] if match else value.split(";")[0].strip()


def new_branch():
    return "z9hG4bK" + secrets.token_hex(8)


def new_tag():
    return secrets.token_hex(5)


def response(request, status, reason, to_tag="", headers=(), body=""):
    """The answer to a request, with the headers the standard says to copy."""
    kept = [(key, value) for key, value in request.headers if key in ("via", "from", "call-id", "cseq")]
    to = request.get("to")
    if to_tag and "tag=" not in to:
        to += f";tag={to_tag}"
    return Message(f"SIP/2.0 {status} {reason}", kept + [("to", to), *headers], body)


def _md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def authorization(challenge, method, uri, user, secret):
    """The Authorization value for a Digest challenge (MD5, qop auth or none)."""
    fields = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge.partition(" ")[2]))
    realm, nonce = fields["realm"], fields["nonce"]
    first, second = _md5(f"{user}:{realm}:{secret}"), _md5(f"{method}:{uri}")
    text = f'Digest username="{user}", realm="{realm}", nonce="{nonce}", uri="{uri}", algorithm=MD5'
    if "auth" in fields.get("qop", ""):
        count, own = "00000001", secrets.token_hex(8)
        answer = _md5(f"{first}:{nonce}:{count}:{own}:auth:{second}")
        text += f', qop=auth, nc={count}, cnonce="{own}"'
    else:
        answer = _md5(f"{first}:{nonce}:{second}")
    if "opaque" in fields:
        text += f', opaque="{fields["opaque"]}"'
    return text + f', response="{answer}"'


def sdp(port, direction="sendrecv", version=1):
    """A minimal offer or answer: one audio stream in ulaw."""
    return (f"v=0\r\no=- 1 {version} IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=ptime:20\r\na={direction}\r\n")


def mirrored(offer):
    """The direction that answers the direction of an offer."""
    for given, answer in (("sendonly", "recvonly"), ("recvonly", "sendonly"), ("inactive", "inactive")):
        if f"a={given}" in offer:
            return answer
    return "sendrecv"

"""The logs of AWS's balancers and of CloudFront, as AWS writes them in 2026."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from game_server.simulator.catalogue import HOST_NAME
from game_server.simulator.dice import Array, mix
from game_server.simulator.lines.pieces import (
    Pieces,
    Rows,
    Texts,
    fixed_width,
    hexadecimal,
    join,
    numbers_text,
    seconds_text,
    statuses,
    three_digits,
)

_URL = f"https://{HOST_NAME}:443"
_ALB_GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/game/73e2d6bc24d8a067"
_ALB_CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
_TLS = pa.array(["ECDHE-RSA-AES128-GCM-SHA256 TLSv1.2", "TLS_AES_128_GCM_SHA256 TLSv1.3"])
_PROTOCOLS = pa.array([' HTTP/2.0" "', ' HTTP/1.1" "'])
_NODES = pa.array([f"10.0.{n}.17:8080" for n in range(256)])
# In ASCII order, so that ids sort as the numbers that they are made from.
_DIGITS = np.frombuffer(b"-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz", dtype=np.uint8)
_ID_DIGITS = 54

CLOUDFRONT_FIELDS = (
    "date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) "
    "cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header cs-protocol "
    "cs-bytes time-taken x-forwarded-for ssl-protocol ssl-cipher x-edge-response-result-type "
    "cs-protocol-version fle-status fle-encrypted-fields c-port time-to-first-byte "
    "x-edge-detailed-result-type sc-content-type sc-content-len sc-range-start sc-range-end"
)
CLOUDFRONT_FEW_FIELDS = (
    "date time x-edge-location c-ip cs-method cs(Host) cs-uri-stem sc-status cs(Referer) cs(User-Agent) "
    "cs-uri-query x-edge-result-type x-edge-request-id time-taken sc-bytes"
)
"""A delivery whose fields were chosen (standard logging v2): enough for traffic, and small."""
CLOUDFRONT_HEADER_BYTES = 318  # sc-bytes counts them with the body, whose own length these logs leave out


def alb_lines(texts: Texts, rows: Rows) -> pa.Array:
    """Thirty tokens; ``time`` is the answer's, the request's own stands near the end."""
    session, target = rows["session"], pa.array(rows["target"])
    protocol = pa.array(texts.protocol[session])
    node, status = _NODES.take(pa.array(texts.traffic.sessions["host"][session])), statuses(rows)
    trace = fixed_width(hexadecimal(mix(rows["tail"])))
    return join(
        [
            "https ",
            _instant(texts, rows["at"] + rows["duration"]),
            " app/game/50dc6c495c0c9188 ",
            _client(texts, rows),
            " ",
            node,
            " 0.000 ",
            seconds_text(rows["duration"]),
            " 0.000 ",
            status,
            " ",
            status,
            " 412 ",
            numbers_text(rows["size"]),
            ' "',
            texts.method.take(target),
            " ",
            _URL,
            texts.url.take(target),
            _PROTOCOLS.take(protocol),
            texts.agent.take(pa.array(session)),
            '" ',
            _TLS.take(protocol),
            f' {_ALB_GROUP} "Root=1-',
            trace,
            f'" "{HOST_NAME}" "{_ALB_CERTIFICATE}" 0 ',
            _instant(texts, rows["at"]),
            ' "forward" "-" "-" "',
            node,
            '" "',
            status,
            '" "-" "-" TID_',
            trace,
            "\n",
        ]
    )


def elb_lines(texts: Texts, rows: Rows) -> pa.Array:
    """The classic balancer's fifteen fields; the time is the request's."""
    session, target = rows["session"], pa.array(rows["target"])
    protocol = pa.array(texts.protocol[session])
    micros = rows["duration"]
    seconds = [
        numbers_text(micros // 1_000_000),
        ".",
        three_digits(micros // 1000 % 1000),
        three_digits(micros % 1000),
    ]
    status = statuses(rows)
    pieces: Pieces = [_instant(texts, rows["at"]), " game ", _client(texts, rows), " "]
    pieces += [
        _NODES.take(pa.array(texts.traffic.sessions["host"][session])),
        " 0.000041 ",
        *seconds,
        " 0.000037 ",
    ]
    pieces += [
        status,
        " ",
        status,
        " 412 ",
        numbers_text(rows["size"]),
        ' "',
        texts.method.take(target),
        " ",
        _URL,
    ]
    pieces += [texts.url.take(target), _PROTOCOLS.take(protocol), texts.agent.take(pa.array(session)), '" ']
    return join([*pieces, _TLS.take(protocol), "\n"])


def cloudfront_lines(texts: Texts, rows: Rows) -> pa.Array:
    """All 33 fields, tab separated; times are whole seconds, of the answer."""
    session, status = pa.array(rows["session"]), statuses(rows)
    result, taken = _result(rows), seconds_text(rows["duration"])
    return join(
        [
            texts.second(texts.w3c_seconds, rows["at"] + rows["duration"]),
            "\tFRA56-P4\t",
            numbers_text(rows["size"] + CLOUDFRONT_HEADER_BYTES),
            "\t",
            texts.address.take(session),
            "\t",
            *_asked(texts, rows, status),
            "\t-\t",
            result,
            "\t",
            fixed_width(edge_request_ids(rows["tail"])),
            f"\t{HOST_NAME}\thttps\t412\t",
            taken,
            "\t-\tTLSv1.3\tTLS_AES_128_GCM_SHA256\t",
            result,
            "\tHTTP/2.0\t-\t-\t51234\t",
            taken,
            "\t",
            result,
            "\t-\t-\t-\t-\n",
        ]
    )


def cloudfront_few_lines(texts: Texts, rows: Rows) -> pa.Array:
    """The fields of :data:`CLOUDFRONT_FEW_FIELDS`."""
    session, status = pa.array(rows["session"]), statuses(rows)
    return join(
        [
            texts.second(texts.w3c_seconds, rows["at"] + rows["duration"]),
            "\tFRA56-P4\t",
            texts.address.take(session),
            "\t",
            *_asked(texts, rows, status),
            "\t",
            _result(rows),
            "\t",
            fixed_width(edge_request_ids(rows["tail"])),
            "\t",
            seconds_text(rows["duration"]),
            "\t",
            numbers_text(rows["size"] + CLOUDFRONT_HEADER_BYTES),
            "\n",
        ]
    )


def edge_request_ids(tails: Array) -> Array:
    """56 characters that sort as the low 62 bits of the tails do."""
    text = np.full((len(tails), _ID_DIGITS + 2), ord("="), dtype=np.uint8)
    rest = mix(tails >> np.uint64(40))
    for place in range(11, _ID_DIGITS):
        text[:, place] = _DIGITS[rest >> np.uint64(place) & np.uint64(63)]
    for place in range(10):
        text[:, place] = _DIGITS[tails >> np.uint64(56 - 6 * place) & np.uint64(63)]
    text[:, 10] = _DIGITS[tails & np.uint64(3)]
    return text


def _asked(texts: Texts, rows: Rows, status: pa.Array) -> Pieces:
    target = pa.array(rows["target"])
    query = pc.coalesce(texts.query.take(target), "-")
    return [
        texts.method.take(target),
        f"\t{HOST_NAME}\t",
        texts.path.take(target),
        "\t",
        status,
        "\t",
        texts.referrer.take(pa.array(rows["referrer"])),
        "\t",
        texts.agent.take(pa.array(rows["session"])),
        "\t",
        query,
    ]


def _result(rows: Rows) -> pa.Array:
    words = pa.array(["Hit", "Miss", "Error"])
    number = np.where(rows["status"] >= 400, 2, (rows["layer"] & 1).astype(np.int64))
    return words.take(pa.array(number))


def _instant(texts: Texts, at: Array) -> pa.Array:
    return join(
        [
            texts.second(texts.iso_seconds, at),
            ".",
            three_digits(at // 1000 % 1000),
            three_digits(at % 1000),
            "Z",
        ]
    )


def _client(texts: Texts, rows: Rows) -> pa.Array:
    port = numbers_text(32_768 + rows["session"] * 7 % 28_000)
    return join([texts.bracketed_address.take(pa.array(rows["session"])), ":", port])

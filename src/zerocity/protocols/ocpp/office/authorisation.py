"""What a station is told of a token, in the words of each version.

OCPP 1.6 7.8 AuthorizationStatus; OCPP 2.0.1 part 2, C01-C07 and IdTokenInfoType.
"""

from __future__ import annotations

from datetime import UTC

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from zerocity.live.tokens import Token, Verdict
from zerocity.protocols.ocpp.messages import Version
from zerocity.protocols.ocpp.office.handling import Context, Handler, Outcome, Payload
from zerocity.protocols.ocpp.wire_words import stamp

V16_WORDS = {
    Verdict.ACCEPTED: "Accepted", Verdict.BLOCKED: "Blocked", Verdict.EXPIRED: "Expired",
    Verdict.UNKNOWN: "Invalid", Verdict.INVALID: "Invalid", Verdict.BUSY: "ConcurrentTx",
}  # fmt: skip
V2_WORDS = V16_WORDS | {Verdict.UNKNOWN: "Unknown"}
# A token without kind in the city's list is told back as one; the group's own kind is not kept.
GROUP_KIND = "Central"
LONGEST_ID_TAG = 20


def id_tag_info(verdict: Verdict, token: Token | None) -> Payload:
    """IdTagInfo of OCPP 1.6."""
    info: Payload = {"status": V16_WORDS[verdict]}
    if token is not None:
        if token.expires_at is not None:
            info["expiryDate"] = stamp(token.expires_at)
        if token.parent is not None and len(token.parent) <= LONGEST_ID_TAG:
            info["parentIdTag"] = token.parent
    return info


def id_token_info(verdict: Verdict, token: Token | None) -> Payload:
    """IdTokenInfo of OCPP 2.x."""
    info: Payload = {"status": V2_WORDS[verdict]}
    if token is not None:
        if token.expires_at is not None:
            info["cacheExpiryDateTime"] = stamp(token.expires_at)
        if token.parent is not None:
            info["groupIdToken"] = {"idToken": token.parent, "type": token.kind or GROUP_KIND}
        if token.priority:
            info["chargingPriority"] = max(-9, min(9, token.priority))
    return info


def verdict_on(context: Context, token: str, kind: str = "") -> Verdict:
    """The verdict on a token; where charging is free, one that nobody knows will do."""
    verdict = context.registry.verdict(token, context.at, kind=kind)
    if verdict is Verdict.UNKNOWN and context.station.free_vend:
        return Verdict.ACCEPTED
    return verdict


def verdict_v2(context: Context, id_token: Payload) -> Verdict:
    """The verdict on an IdTokenType; nobody at all may charge only where charging is free."""
    kind = id_token["type"]
    if kind == "NoAuthorization":
        return Verdict.ACCEPTED if context.station.free_vend else Verdict.INVALID
    return verdict_on(context, id_token["idToken"], kind)


def authorize_v16(context: Context, payload: Payload) -> Outcome:
    """Authorize of OCPP 1.6; ConcurrentTx is told at the start alone (7.8)."""
    tag = payload["idTag"]
    verdict = verdict_on(context, tag)
    return Outcome({"idTagInfo": id_tag_info(verdict, context.registry.token(tag))})


def authorize_v2(context: Context, payload: Payload) -> Outcome:
    """Authorize of OCPP 2.x, with what can be said of a contract certificate (C07)."""
    shown = payload["idToken"]
    verdict = verdict_v2(context, shown)
    answer: Payload = {}
    status = certificate_status(context, payload)
    if status is not None:
        answer["certificateStatus"] = status
        if status != "Accepted" and verdict is Verdict.ACCEPTED:
            verdict = Verdict.INVALID
    answer["idTokenInfo"] = id_token_info(verdict, context.registry.token(shown["idToken"]))
    return Outcome(answer)


def certificate_status(context: Context, payload: Payload) -> str | None:
    """What can honestly be said of the certificate shown; None when none was shown.

    The city keeps no contract roots, so no chain can be proved and no revocation be asked: a
    certificate that can be read and is in force gets CertChainError, hash data alone
    NoCertificateAvailable. Neither is ever Accepted.
    """
    pem = payload.get("certificate")
    if pem is None:
        hashes = payload.get("iso15118CertificateHashData")
        return "NoCertificateAvailable" if hashes else None
    try:
        chain = x509.load_pem_x509_certificates(pem.encode())
        ends = chain[0].not_valid_after_utc
        chain[0].public_bytes(Encoding.DER)
    except ValueError:
        return "SignatureError"
    return "CertificateExpired" if ends.astimezone(UTC) <= context.at else "CertChainError"


HANDLERS: dict[tuple[Version, str], Handler] = {
    (Version.V16, "Authorize"): authorize_v16,
    (Version.V201, "Authorize"): authorize_v2,
    (Version.V21, "Authorize"): authorize_v2,
}

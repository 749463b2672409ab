"""The policy's declared data, typed from its text a second time, and how names are compared with it."""

from __future__ import annotations

import re
import unicodedata

BLANKS = "\t\n\v\f\r \u00a0\u3000"
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LOWER, _UPPER = str.maketrans(LETTERS, LETTERS.lower()), str.maketrans(LETTERS.lower(), LETTERS)

VENDORS = {
    "rong_cloud": "rong cloud, rongcloud im, rongyun, rongcloud sdk, rong cloud network technology, beijing rong cloud network technology",
    "agora": "agora io, agora sdk, agora lab, shengwang",
    "facebook": "meta, meta platforms, meta platforms inc, facebook inc, facebook audience network, meta audience network, audience"
    " network, facebook event manager, facebook custom campaigns, facebook ads",
    "google": "google llc, google login, google sign in, google ads, google adwords, adwords, admob, google admob, adx, google adx, dfp,"
    " google dfp, doubleclick for publishers, google ad manager",
    "adjust": "adjust gmbh, adjust sdk",
    "admost": "admost sdk",
    "apple_search_ads": "apple, apples search ads, apple ads",
}
#: What may stand at the end of a vendor's name: legal forms and places.
NAME_ENDS = (
    "inc incorporated llc llp lp ltd limited plc gmbh ag kg se sa sas sarl srl spa bv nv ab as aps oy oyj anonim sirketi co corp"
    " corporation company pte pty kk group holdings ireland international europe emea apac asia pacific global worldwide usa us uk"
    " singapore china turkey turkiye deutschland france spain netherlands japan india brasil canada australia"
)

FIELDS = """
device_brand = brand, manufacturer
device_model = model, device_type
android_id = ssaid
os = operating_system, os_name, os_version, operating_system_version, system_version
cpu = cpu_info, cpu_information, cpu_usage
memory = memory_usage, ram, ram_usage
ip_address = ip, ip_addr, client_ip, user_ip
local_ip_address = local_ip, lan_ip
public_ip_address = public_ip, wan_ip
network_type = network_access_method, network_access_type, connection_type
user_id = uid, rong_user_id
package_name = app_package_name, application_package_name, bundle_id
time_zone = tz
language = lang, locale
app_version = app_version_number
app_key
user_token = token
sdk_version = rongcloud_sdk_version
mno = operator_code, carrier, mobile_operator
interface_error_code = interface_call_error_code, api_error_code
link_error_code = link_failure_error_code, connection_error_code
network_signal = signal_strength, wifi_signal, wlan_signal, cellular_signal
device_power = battery, battery_level
audio_stream = audio_stream_data, audio
bluetooth = bluetooth_status
network_latency = latency, rtt
packet_loss = packet_loss_rate
bit_rate = bitrate, video_bitrate
resolution = video_resolution
audio_bit_rate = audio_bitrate
sampling_rate = sample_rate
open_id = sub, subject, provider_user_id
app_activity = app_open, install, session, in_app_event, event_name, event_time
device_identifier = device_id, idfa, idfv, aaid, gaid, gps_adid, ad_id, advertising_id, other_identifier
"""

RONG_CLOUD = (
    "device_brand device_model android_id os cpu memory ip_address network_type user_id package_name time_zone language app_version app_key"
    " user_token sdk_version mno interface_error_code link_error_code local_ip_address public_ip_address"
)
AGORA = (
    "network_type local_ip_address network_signal os device_model cpu memory device_power audio_stream bluetooth network_latency"
    " packet_loss bit_rate resolution audio_bit_rate sampling_rate ip_address"
)
ADJUST, ADJUST_REVIEW = "app_activity device_identifier android_id", "user_id open_id user_token"

SECTION_4 = (
    "manage_account customer_support complete_transaction service_communication connect_users profile_recommendation show_profiles"
    " improve_services surveys research_analysis develop_features prevent_fraud address_misconduct design_countermeasures"
    " retain_fraud_data legal_compliance law_enforcement enforce_rights"
)
SECTION_3 = "realtime_messaging voice_calls event_manager login install_attribution advertising custom_audience ad_measurement"
PURPOSES = [*SECTION_4.split(), *SECTION_3.split()]
PURPOSES_OF = {
    "rong_cloud": "realtime_messaging connect_users",
    "agora": "voice_calls connect_users",
    "facebook": "event_manager advertising custom_audience ad_measurement",
    "google": "login manage_account advertising custom_audience ad_measurement",
    "adjust": "install_attribution ad_measurement",
    "admost": "advertising ad_measurement",
    "apple_search_ads": "advertising ad_measurement",
}

GROUNDS = "process crime safety litigation rights enforcement investigation"
BY_CATEGORY = ("hosting", "support", "payment", "security", "anti_fraud")
SUPPORT_FIELDS = "ticket_id ticket_text ticket_topic support_ticket support_message support_text support_email"
PRIVATE_FIELDS = "chat chat_text message message_text audio audio_stream voice voice_message transcript"
SOCIAL_FIELDS = """
openid = open_id, sub, subject, provider_user_id
name = full_name, given_name, family_name, display_name, nickname, user_name
picture = avatar, profile_picture, photo, photo_url, avatar_url
gender = sex
birthday = birth_date, date_of_birth, dob
public_info = public_profile, public_information
"""
SHADOW_TABLES = (
    "subscriptions consents profile_attributes outbound_messages retention_exceptions content_items traffic_events devices"
    " support_tickets rights_requests disclosures transactions promotion_entries social_accounts"
)
CLOCKS = {
    "subscriptions": "start_at",
    "consents": "event_at",
    "profile_attributes": "created_at",
    "content_items": "created_at",
    "traffic_events": "event_at",
    "devices": "first_seen_at",
    "transactions": "purchased_at",
    "social_accounts": "linked_at",
}
SETTINGS = {
    "audit_tz": "UTC",
    "skew_seconds": 300,
    "holidays": {},
    "centroid_users": 20,
    "uninstall_allowance_h": 24,
    "deleted_allowance_h": 24,
    "mod_sla_h": 24,
    "mod_removal_h": 24,
    "ad_id_declared_for": ["adjust"],
    "opt_out_business_days": 15,
    "period_from": None,
    "period_to": None,
    "analytics_purposes": ["event_manager", "install_attribution", "ad_measurement", "research_analysis"],
}


def blank(text):
    """Null, or nothing but white space."""
    return text is None or not text.strip(BLANKS)


def trim(text):
    """Without white space at both ends; null is empty."""
    return (text or "").strip(BLANKS)


def lc(text):
    """A to Z lowered, nothing else."""
    return text.translate(_LOWER)


def raised(text):
    """a to z raised, nothing else."""
    return text.translate(_UPPER)


def key(text):
    """The form in which names are compared."""
    return re.sub("[^a-z0-9]", "", lc(text))


def keys(text):
    """The keys of names that stand between spaces."""
    return {key(name) for name in text.split()}


def synonyms(text):
    """Lines `code = name, name` as a map from every key to the code's key; a code is a synonym of itself."""
    codes = {}
    for line in text.strip().splitlines():
        code, _, names = line.partition(" = ")
        for name in [code, *filter(None, names.split(", "))]:
            assert codes.setdefault(key(name), key(code)) == key(code), name
    return codes


ALIASES = synonyms("\n".join(f"{code} = {names}" for code, names in VENDORS.items()))
CODES = {key(code): code for code in VENDORS}
CANONICAL, SOCIAL = synonyms(FIELDS), synonyms(SOCIAL_FIELDS)


def canonical(name):
    """The key of the field that a name means; an unmapped name means itself."""
    return CANONICAL.get(key(name), key(name))


def canonicals(text):
    """The fields of names that stand between spaces."""
    return {canonical(name) for name in text.split()}


def bare_name(name):
    """The key of a vendor's name, without brackets at its end, and without legal forms and places there."""
    name = trim(name)
    cut = re.sub(r"\([^()]*\)$", "", name)
    plain = "".join(c for c in unicodedata.normalize("NFD", name if blank(cut) else cut) if not unicodedata.category(c).startswith("M"))
    tokens, before = [], ""
    for token in filter(None, re.split("[^a-z0-9]+", lc(plain))):
        letter = len(token) == 1 and token.isalpha()
        if letter and before == "letter":
            tokens[-1] += token
        else:
            tokens.append(token)
        before = "letter" if letter else "word"
    while len(tokens) > 1 and tokens[-1] in NAME_ENDS.split():
        tokens.pop()
    return "".join(tokens)


def vendor(row):
    """The declared vendor that a row of vendors is; `ambiguous`, or null where it is none."""

    def match(name):
        return None if blank(name) else CODES.get(ALIASES.get(bare_name(name)))

    if by_name := match(row["name"]):
        return by_name
    matches = {match(alias) for alias in row["aliases"] or ()} - {None}
    return "ambiguous" if len(matches) > 1 else next(iter(matches), None)

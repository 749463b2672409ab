"""A second reading of the rules of permissions and security in plain Python, one sentence of their definition after the other."""

from __future__ import annotations

import re
from collections import defaultdict

from rights_reading import DAY, PASS, Calendar, blank, codes, key, lower, trim

from heytalk_audit.expressions.calendar import add_months

PERMISSIONS = {
    "album": [
        *("photo_album", "photos", "photo_library", "storage", "album_storage"),
        *("read_external_storage", "write_external_storage", "read_media_images", "read_media_video", "read_media_visual_user_selected"),
        *("nsphotolibraryusagedescription", "nsphotolibraryaddusagedescription"),
    ],
    "microphone": ["mic", "record_audio", "nsmicrophoneusagedescription"],
    "push": ["notification", "notifications", "post_notifications", "message_push"],
    "camera": ["nscamerausagedescription"],
    "floating_window": ["system_alert_window", "overlay"],
    "device_info": ["device_information", "read_phone_state"],
    "network": [
        *("internet", "network_status", "network_state", "access_network_state"),
        *("access_wifi_state", "change_network_state", "change_wifi_state", "nslocalnetworkusagedescription"),
    ],
}
OTHERS = (
    *("bluetooth", "bluetooth_connect", "bluetooth_scan", "bluetooth_admin", "att", "app_tracking_transparency"),
    *("nsusertrackingusagedescription", "nsbluetoothalwaysusagedescription", "adid"),
)
OTHER_ENDS = ("permissionadid",)
ORDINARY = (
    *("vibrate", "wake_lock", "foreground_service", "receive_boot_completed", "billing", "install_referrer", "use_biometric"),
    *("schedule_exact_alarm", "modify_audio_settings", "use_fingerprint"),
)
ORDINARY_ENDS = ("dynamicreceivernotexportedpermission", "vendingbilling", "bindgetinstallreferrerservice", "c2dmpermissionreceive")
SLOW = ("bcrypt", "scrypt", "argon2", "pbkdf2", "yescrypt", "sha256crypt", "sha512crypt")
FAST = ("md5", "sha", "ntlm", "crc", "des", "mysql")
CLEAR = ("plain", "clear", "base64", "rot13", "reversible", "aes", "encrypted")
NO_PASSWORD = ("none", "sso", "oauth", "social", "passwordless", "otp")
CLEAR_SCHEMES = ("http://", "ws://", "rtmp://", "rtsp://", "ftp://")
ENCRYPTED_SCHEMES = ("https://", "wss://", "rtmps://", "ftps://", "sftp://")
SIGNATURES = ["signature", "sig", "sign", "token", "hmac", "x-amz-signature", "x-goog-signature", "x-oss-signature", "q-signature"]
EXPIRIES = ["expires", "expiry", "exp", "se", "x-amz-expires", "x-goog-expires", "x-oss-expires", "q-sign-time"]
REFERENCED = ["content_items", "profile_attributes", "support_tickets", "rights_requests"]
OFF = ("denied", "revoked")


def permission(text: str) -> str:
    """The key of a permission's name, without the prefix of its platform."""
    return key(text).removeprefix("androidpermission")


def table_name(text: str) -> str:
    """A table's name without what stands before its last dot, lowered."""
    return lower(text.rpartition(".")[2])


def zeros(ad_id: str) -> bool:
    """Whether an advertising id stands for none."""
    return re.fullmatch("[0-]+", ad_id) is not None and "0" in ad_id


def private(host: str) -> bool:
    """Whether a host is not to be reached from outside."""
    parts = host.split(".")
    if len(parts) == 4 and all(re.fullmatch("[0-9]{1,3}", p) and int(p) < 256 for p in parts):
        a, b = int(parts[0]), int(parts[1])
        return a in (127, 10) or (a, b) == (192, 168) or (a == 172 and 16 <= b <= 31)
    return host == "localhost" or host.endswith((".local", ".internal"))


def query(url: str) -> set[str]:
    """The names in a url's query that have a value."""
    pairs = [pair.partition("=") for pair in url.split("#")[0].partition("?")[2].split("&")]
    return {name for name, _, value in pairs if value}


class Reading:
    """The expected outcome of each row of a world, by rule: (record, user_id, (outcome, reason, due day))."""

    def __init__(self, world):
        self.rows, self.settings = world.rows, world.settings
        self.calendar = Calendar(world.settings, world.now)
        self.now, self.today, self.local, self.skew = world.now, self.calendar.today, self.calendar.local, self.calendar.skew
        self.users = {u["user_id"]: u for u in self.rows["users"] if not blank(u["user_id"])}
        self.devices = {d["device_id"]: d for d in self.rows["devices"] if not blank(d["device_id"])}
        self.staff = {s["staff_id"]: s for s in self.rows["staff"] if not blank(s["staff_id"])}
        self.codes = codes(PERMISSIONS)
        self.log = [e for e in self.rows["permission_events"] if e["event_at"] and not blank(e["device_id"])]
        self.events = defaultdict(list)
        for e in self.log:
            code = self.codes.get(permission(e["permission"] or ""))
            if code and e["action"] in ("granted", *OFF):
                self.events[e["device_id"], code].append(e)

    # permissions -------------------------------------------------------------------------------------

    def perm(self, device, code, t):
        """The state of a permission on a device at an instant, and since when."""
        before = [e for e in self.events[device, code] if e["event_at"] <= t]
        at = max((e["event_at"] for e in before), default=None)
        last = {e["action"] for e in before if e["event_at"] == at}
        return next((action for action in ("revoked", "denied", "granted") if action in last), None), at

    def about(self, t):
        return t - self.skew, t + self.skew

    def need(self, device, code, t, reinstall=True):
        if blank(device):
            return "unknown", "device_missing"
        if t is None:
            return "unknown", "clock_missing"
        if not self.log:
            return "unknown", "no_permission_log"
        if t < min(e["event_at"] for e in self.log):
            return "unknown", "before_log_start"
        state, at = self.perm(device, code, t)
        if state != "granted":
            if any(self.perm(device, code, near)[0] == "granted" for near in self.about(t)):
                return "review", "clock_skew"
            return "violation", f"permission_{state}" if state else "no_grant"
        installed = self.devices.get(device, {}).get("installed_at")
        again = reinstall and installed and at < installed <= t
        return ("review", "grant_before_reinstall") if again else PASS

    def timely(self, t):
        """Whether an instant is null or lies in the period."""
        return t is None or self.calendar.in_period(t)

    def content(self, chosen):
        for i in self.rows["content_items"]:
            if chosen(i) and self.timely(i["created_at"]) and self.devices.get(i["device_id"], {}).get("platform") != "web":
                yield i, f"content_items:{i['content_id']}"

    def prm_01(self):
        for i, record in self.content(lambda i: i["capture_source"] == "camera"):
            yield record, i["user_id"], self.need(i["device_id"], "camera", i["created_at"])

    def prm_02(self):
        spoken = self.content(lambda i: i["capture_source"] == "mic" or (i["kind"] == "voice" and blank(i["capture_source"])))
        for i, record in spoken:
            yield record, i["user_id"], self.need(i["device_id"], "microphone", i["created_at"])

    def prm_03(self):
        for i, record in self.content(lambda i: i["capture_source"] == "album"):
            if i["selection_method"] == "auto":
                result = "violation", "auto_selected"
            elif blank(i["selection_method"]):
                result = "unknown", "selection_missing"
            else:
                result = self.need(i["device_id"], "album", i["created_at"])
            yield record, i["user_id"], result

    def prm_04(self):
        for m in self.rows["outbound_messages"]:
            if m["channel"] == "push" and m["status"] != "suppressed" and self.timely(m["sent_at"]):
                yield f"outbound_messages:{m['message_id']}", m["user_id"], self.push(m["user_id"], m["sent_at"])

    def push(self, user, t):
        if t is None:
            return "unknown", "clock_missing"
        own = [d for d in self.devices.values() if not blank(user) and d["user_id"] == user and d["platform"] != "web"]
        own = [d for d in own if d["first_seen_at"] and d["first_seen_at"] <= t]

        def granted(at):
            return any(self.perm(d["device_id"], "push", at)[0] == "granted" for d in own)

        if granted(t):
            return PASS
        for d in own:
            state, at = self.perm(d["device_id"], "push", t)
            if state is None or (d["installed_at"] and at < d["installed_at"] <= t):
                return "unknown", "no_permission_record"
        if not own:
            return "unknown", "no_permission_record"
        return ("review", "clock_skew") if any(granted(near) for near in self.about(t)) else ("violation", "permission_off")

    def prm_05(self):
        for d in self.rows["devices"]:
            result = PASS
            if d["platform"] not in ("ios", "android"):
                continue
            if d["platform"] == "android":
                result = self.need(d["device_id"], "device_info", d["first_seen_at"], reinstall=False)
            elif not blank(d["ad_id"]) and not zeros(d["ad_id"]):
                if blank(d["att_status"]):
                    result = "unknown", "att_status_missing"
                elif d["att_status"] != "authorized":
                    result = "violation", "idfa_without_authorisation"
            yield f"devices:{d['device_id']}", d["user_id"], result

    def prm_07(self):
        others = {permission(name) for name in OTHERS}
        for e in self.rows["permission_events"]:
            result = PASS
            if blank(e["permission"]):
                result = "unknown", "permission_missing"
            elif (name := permission(e["permission"])) not in self.codes:
                result = "violation", "permission_not_listed"
                if name in others or name.endswith(OTHER_ENDS):
                    result = "review", "third_party_permission"
                elif name in map(key, ORDINARY) or name.startswith("foregroundservice") or name.endswith(ORDINARY_ENDS):
                    result = "review", "ordinary_permission"
            yield f"permission_events:{e['event_id']}", self.devices.get(e["device_id"], {}).get("user_id"), result

    # credentials and staff ---------------------------------------------------------------------------

    def sec_01(self):
        for u in self.rows["users"]:
            label = key(u["credential_format"] or "")
            result = "review", "format_unrecognised"
            if u["status"] in ("purged", "anonymised") or label in NO_PASSWORD:
                continue
            if blank(u["credential_format"]):
                result = "unknown", "format_missing"
            elif label.startswith(SLOW):
                result = PASS
            elif label.startswith(FAST):
                result = "violation", "fast_hash"
            elif label.startswith(CLEAR):
                result = "violation", "clear_or_reversible"
            yield f"users:{u['user_id']}", u["user_id"], result

    def sec_03(self):
        for a in self.rows["staff_access_log"]:
            yield f"staff_access_log:{a['access_id']}", a["user_id"], self.access(a)

    def access(self, a):
        s, d, tables = self.staff.get(a["staff_id"]), self.local(a["accessed_at"]), self.settings.get("role_tables", {})
        if s is None:
            return "unknown", "staff_unknown"
        if d is None:
            return "unknown", "clock_missing"
        begun, left = s["started_at"], s["left_at"]
        if begun and left and left < begun:
            return "unknown", "staff_dates_contradict"
        if begun and d < begun:
            return "violation", "before_start"
        if left and d > left:
            return "violation", "after_leave"
        table = table_name(a["table_name"] or "")
        if tables and table not in map(table_name, tables.get(s["role"], [])):
            return "violation", "role_not_allowed"
        bare = blank(a["purpose_ref"]) and table in map(table_name, self.settings.get("reference_tables", REFERENCED))
        return ("review", "no_reference") if bare else PASS

    def sec_04(self):
        for s in self.rows["staff"]:
            begun, left, trained = s["started_at"], s["left_at"], s["last_training_at"]
            if (left and left < self.today) or (begun and begun > self.today):
                continue
            result = PASS
            if begun is None:
                result = "unknown", "start_missing"
            elif trained and trained > self.today:
                result = "unknown", "training_in_future"
            else:
                due = begun + self.settings.get("training_start_days", 30) * DAY
                due = max(due, add_months(trained, self.settings.get("training_months", 12))) if trained else due
                if self.today > due:
                    result = "violation", "training_expired" if trained else "never_trained", due
            yield f"staff:{s['staff_id']}", None, result

    # addresses ---------------------------------------------------------------------------------------

    def sec_05(self):
        for i in self.rows["content_items"]:
            if blank(i["url"]):
                continue
            u, result = lower(trim(i["url"])), ("unknown", "scheme_unrecognised")
            if u.startswith(CLEAR_SCHEMES):
                result = "violation", "unencrypted_scheme"
            elif u.startswith(ENCRYPTED_SCHEMES):
                result = PASS
            elif u.startswith("//"):
                result = "review", "scheme_relative"
            yield f"content_items:{i['content_id']}", i["user_id"], result

    def sec_06(self):
        for i in self.rows["content_items"]:
            if i["kind"] in ("photo", "video", "voice") and not blank(i["url"]) and i["visibility"] != "public":
                unseen = blank(i["visibility"])
                result = ("unknown", "visibility_missing") if unseen else self.reach(lower(trim(i["url"])))
                yield f"content_items:{i['content_id']}", i["user_id"], result

    def reach(self, u):
        if not u.startswith(("http://", "https://")):
            return PASS
        host = re.split("[/?#]", u.partition("://")[2])[0].rpartition("@")[2].partition(":")[0]
        if private(host) or host in self.settings.get("gateway_hosts", []):
            return PASS
        names = query(u)
        if not names & set(SIGNATURES):
            return "violation", "unsigned"
        return PASS if names & set(EXPIRIES) else ("review", "signed_no_expiry")

    def expected(self, rule):
        """Outcome, reason, due day and days over it by record; test accounts are excluded before anything else."""
        expected = {}
        for record, person, result in getattr(self, rule.lower().replace("-", "_"))():
            outcome, reason, due = (*result, None)[:3]
            if self.users.get(person, {}).get("is_test"):
                outcome, reason, due = "excluded", "test_account", None
            expected[record] = outcome, reason, due, (self.today - due).days if due else None
        return expected

"""Who may look at people and keys, and who may change them. By office alone: Django's permissions and groups are not used."""

from accounts.roles import Office


def is_in_house_staff(user) -> bool:
    return user.is_active and user.is_staff and user.is_in_house


def administers(user) -> bool:
    return is_in_house_staff(user) and user.office == Office.ADMINISTRATOR


def may_look_at_keys(user) -> bool:
    return is_in_house_staff(user) and user.office in (Office.ADMINISTRATOR, Office.AUDITOR)

"""Who looks after jobs, webhooks and keys: the house's administrators. It gives no case verb."""


def may_operate(user) -> bool:
    """`office` is the accounts app's word, which stands to our right; vendors' people cannot hold this one."""
    return user.is_active and user.is_in_house and user.office == "administrator"

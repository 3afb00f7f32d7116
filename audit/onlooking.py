"""Admin pages to look at: what is written by verbs or by the system is shown, and neither added, edited nor deleted there."""


class OnlyLookedAt:
    """For a ModelAdmin, before it in the bases. Who may look is said once, by `has_module_permission`."""

    def has_view_permission(self, request, obj=None):
        return self.has_module_permission(request)

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False

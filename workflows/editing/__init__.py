"""The policy editor: a draft's rules as forms. Only drafts, and only through `workflows.actions.edit_draft`."""

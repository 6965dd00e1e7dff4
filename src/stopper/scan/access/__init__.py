"""Who may pass each door of a running application, and how that is known."""

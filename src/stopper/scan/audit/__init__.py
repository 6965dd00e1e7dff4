"""An audit: the application runs in a child process behind a fence, and what was found comes back in a parcel."""

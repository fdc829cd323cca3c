"""What an image's own bytes tell before anybody scans it: build risks and sensitive files, found on this machine."""

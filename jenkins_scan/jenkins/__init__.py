"""What the Jenkins build around this run says about itself."""

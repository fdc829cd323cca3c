"""What a builder wrote about an image: claims, compared with the image itself."""

"""What the review page knows: evidence about labels, a table of images, the uses of an image in runs. Knows no HTTP."""

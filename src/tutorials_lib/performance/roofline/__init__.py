"""What holds a program back: a profile read without a viewer, and the roofline of a machine."""

"""Parts of the Project panel."""

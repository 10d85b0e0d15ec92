"""Heads that pool a bag into a slide embedding."""

"""Lesson 8: what such models cannot do, as rates with n, interval and chance."""

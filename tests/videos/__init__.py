"""Tests of the videos service."""

"""Minority transfer on digits: do nine of them help to make the tenth?"""

"""A person's account: signing in and out, second factors, sessions, invitations, and the letters about them.

django-allauth does the work; here is what is Majlis' own about it.
"""

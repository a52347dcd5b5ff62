"""Somebody signed in, at the pages of commissions."""

from __future__ import annotations

from django.test import Client
from django.urls import reverse


class Door:
    """Somebody signed in, at the pages of Palm Brokers. Requests close the scope they opened; the fixture keeps one."""

    def __init__(self, actor):
        self.actor, self.client = actor, Client()
        self.client.force_login(actor.user)

    def get(self, name, *keys, **query):
        return self.client.get(reverse(name, args=["palm", *keys]), query)

    def text(self, name, *keys, **query):
        return self.get(name, *keys, **query).content.decode()

    def post(self, name, *keys, **fields):
        return self.client.post(reverse(name, args=["palm", *keys]), fields)

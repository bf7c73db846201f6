"""A library of one's own."""

import httpx
import pytest
from fastapi import FastAPI

from tests.people import Company
from tests.transcripts.library import Library, library_of


@pytest.fixture
def library(app: FastAPI, client: httpx.AsyncClient, company: Company) -> Library:
    return library_of(app, client, company)

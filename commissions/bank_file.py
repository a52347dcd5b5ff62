"""The file that a bank takes: ISO 20022 customer credit transfers (pain.001.001.09), or plain rows of the same."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from xml.etree import ElementTree as ET

from core.money import to_decimal

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
CSV_TITLES = ("Reference", "Name", "IBAN", "BIC", "Amount", "Currency", "Pay on", "Details")


@dataclass(frozen=True, slots=True)
class Party:
    """Who pays or is paid, and where: `iban` without blanks, `bic` empty when nobody knows it."""

    name: str
    iban: str
    bic: str = ""


@dataclass(frozen=True, slots=True)
class Transfer:
    """One line: the end-to-end id by which the bank answers, to whom, how much (minor units), and what for."""

    reference: str
    to: Party
    amount_minor: int
    details: str


@dataclass(frozen=True, slots=True)
class Order:
    """All that one file asks the bank to do. `reference` is unique: a bank refuses the same one a second time."""

    reference: str
    made_at: datetime
    pay_on: date
    currency: str
    payer: Party
    transfers: Sequence[Transfer]

    @property
    def total(self) -> str:
        return to_decimal(sum(transfer.amount_minor for transfer in self.transfers), self.currency)


def pain_001(order: Order) -> bytes:
    """The order as pain.001.001.09, one payment information block, charges shared."""
    document = ET.Element("Document", xmlns=NAMESPACE)
    root = ET.SubElement(document, "CstmrCdtTrfInitn")
    header = ET.SubElement(root, "GrpHdr")
    _texts(header, MsgId=order.reference, CreDtTm=order.made_at.replace(microsecond=0).isoformat())
    _texts(header, NbOfTxs=str(len(order.transfers)), CtrlSum=order.total)
    _texts(ET.SubElement(header, "InitgPty"), Nm=order.payer.name)
    block = ET.SubElement(root, "PmtInf")
    _texts(block, PmtInfId=order.reference, PmtMtd="TRF", NbOfTxs=str(len(order.transfers)), CtrlSum=order.total)
    _texts(ET.SubElement(block, "ReqdExctnDt"), Dt=order.pay_on.isoformat())
    _texts(ET.SubElement(block, "Dbtr"), Nm=order.payer.name)
    account = _account(block, "DbtrAcct", order.payer)
    _texts(account, Ccy=order.currency)
    _bank(block, "DbtrAgt", order.payer)
    _texts(block, ChrgBr="SHAR")
    for transfer in order.transfers:
        entry = ET.SubElement(block, "CdtTrfTxInf")
        _texts(ET.SubElement(entry, "PmtId"), EndToEndId=transfer.reference)
        amount = ET.SubElement(ET.SubElement(entry, "Amt"), "InstdAmt", Ccy=order.currency)
        amount.text = to_decimal(transfer.amount_minor, order.currency)
        if transfer.to.bic:
            _bank(entry, "CdtrAgt", transfer.to)
        _texts(ET.SubElement(entry, "Cdtr"), Nm=transfer.to.name)
        _account(entry, "CdtrAcct", transfer.to)
        _texts(ET.SubElement(entry, "RmtInf"), Ustrd=transfer.details[:140])
    ET.indent(document)
    return bytes(ET.tostring(document, encoding="UTF-8", xml_declaration=True))


def rows(order: Order) -> bytes:
    """The order as CSV in UTF-8 with a title row, for banks that take nothing else."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(CSV_TITLES)
    for transfer in order.transfers:
        amount = to_decimal(transfer.amount_minor, order.currency)
        to = transfer.to
        cells = [transfer.reference, to.name, to.iban, to.bic, amount, order.currency, order.pay_on, transfer.details]
        writer.writerow([f"'{cell}" if str(cell)[:1] in "=+-@" else cell for cell in cells])
    return text.getvalue().encode()


def _texts(parent: ET.Element, **texts: str) -> None:
    for name, text in texts.items():
        ET.SubElement(parent, name).text = text


def _account(parent: ET.Element, name: str, party: Party) -> ET.Element:
    account = ET.SubElement(parent, name)
    _texts(ET.SubElement(account, "Id"), IBAN=party.iban)
    return account


def _bank(parent: ET.Element, name: str, party: Party) -> None:
    institution = ET.SubElement(ET.SubElement(parent, name), "FinInstnId")
    if party.bic:
        _texts(institution, BICFI=party.bic)
    else:  # the schema wants to know something of the payer's bank
        _texts(ET.SubElement(institution, "Othr"), Id="NOTPROVIDED")

"""Words for coordination: what a member reported, how a session stands. Pure."""

from __future__ import annotations

from chorus_tui.contract.models.coordination import ReportView, SessionView
from chorus_tui.contract.models.peers import Report


def reported(report: Report | ReportView) -> str:
    """What a member did since its report before: ``2 done, 1 failed in 60 s; at work: …; blocked by: …``."""
    parts = [f"{report.done} done, {report.failed} failed in {report.period_s} s"]
    if report.running:
        parts.append(f"at work: {', '.join(report.running)}")
    if report.blockers:
        parts.append(f"blocked by: {'; '.join(report.blockers)}")
    return "; ".join(parts)


def standing(view: SessionView) -> str:
    """How far a session is from its end."""
    if view.status == "resolved":
        return f"agreed: {view.resolution}"
    agreed = f"{view.agreeing} of {view.needed} agree in the last three words"
    if view.status == "escalated":
        return f"waits for a person: {view.resolution}; {agreed}"
    return f"goes on; {agreed}" if view.active else f"quiet for two hours; {agreed}"

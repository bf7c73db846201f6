"""What a parser's signals are called as counts of a session."""

from collections.abc import Mapping

COLUMNS: Mapping[str, str] = {
    "interruption": "interruptions",
    "rejected_tool": "rejected_tools",
    "api_error": "api_errors",
    "retry": "retries",
    "compaction": "compactions",
    "command": "commands",
    "skill": "skills",
    "sub_agent": "sub_agents",
}

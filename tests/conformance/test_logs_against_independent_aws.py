"""`beanship logs --follow` against moto's CloudWatch Logs, and an Elastic Beanstalk that says it streams there."""

from __future__ import annotations

import signal
import time

from aws import ACCESS_KEY, REGION, SECRET_KEY
from clients import Access
from drivers import ENVIRONMENT, Aws, Beanship

STREAMED = {"namespace": "aws:elasticbeanstalk:cloudwatch:logs", "name": "StreamLogs", "value": "true"}
PREFIX = f"/aws/elasticbeanstalk/{ENVIRONMENT}"
INSTANCE = "i-0123456789abcdef0"


def test_streamed_logs_are_followed_until_an_interrupt(aws: Aws, beanship: Beanship) -> None:
    aws.reset({"name": ENVIRONMENT, "options": [STREAMED]})
    logs = Access(aws.endpoint, REGION, ACCESS_KEY, SECRET_KEY).boto3("logs")
    # More than DescribeLogGroups tells at once: the last one is what counts.
    for number in range(60):
        logs.create_log_group(logGroupName=f"{PREFIX}/var/log/{number:02}.log")
    logs.create_log_group(logGroupName="/aws/elasticbeanstalk/another/var/log/web.stdout.log")
    group = f"{PREFIX}/var/log/web.stdout.log"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=INSTANCE)

    def write(text: str) -> None:
        event = {"timestamp": int(time.time() * 1000), "message": text}
        logs.put_log_events(logGroupName=group, logStreamName=INSTANCE, logEvents=[event])

    write("listening on 8080")
    child = beanship.start("logs", "--env", "production", "--follow")
    assert child.stdout is not None
    try:
        assert child.stdout.readline() == f"==> {INSTANCE} /var/log/web.stdout.log <==\n"
        assert child.stdout.readline() == "listening on 8080\n"
        write("password=hunter2 is refused")
        assert child.stdout.readline() == "password=[redacted] is refused\n"
    finally:
        child.send_signal(signal.SIGINT)
        rest, told = child.communicate(timeout=20)
    assert (child.returncode, rest) == (0, ""), told
    assert {call.operation for call in aws.calls if call.service == "logs"} >= {
        "DescribeLogGroups",
        "FilterLogEvents",
    }

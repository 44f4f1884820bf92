"""An AWS on 127.0.0.1 for conformance tests, with books, a clock and faults of its own.

Elastic Beanstalk is written here from botocore's service model (`model`), S3, STS, IAM, EC2, RDS, Secrets Manager and
SSM are moto's. Nothing in this package knows the program under test.

    python -m aws --port 0 --application shop --environment shop-production

prints one JSON line with the endpoint, the keys and the region. What it then does wrong is said to `POST /_control`
(see `scenario`), what it was asked stands in `GET /_calls` (see `calls`).
"""

ACCESS_KEY = "AKIACONFORMANCE00001"
SECRET_KEY = "conformance/secret/key/known/to/the/server"
ACCOUNT = "123456789012"
REGION = "eu-central-1"

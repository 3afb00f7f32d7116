"""What gunicorn serves; a dangerous set-up (checks.py) is refused here too, for no command runs before it."""

import os
from io import StringIO

from django.core.management import call_command
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "hitlsite.settings")
application = get_wsgi_application()
call_command("check", databases=["default"], stdout=StringIO())  # says what is wrong, not that all is well

"""``python -m workbench`` is the same as ``workbench``."""

import sys

from multilabel_workbench import main

sys.exit(main())
